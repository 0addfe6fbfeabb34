"""Source formats for articles, with one module or package for each, discovered by its `SOURCE`."""
