"""What judges have in common.

judge    what a judge is, its rules and its verdict        xml, json_object, text   bytes → the document, or why not
page     bytes → a page of HTML, and what may not be there  values                  addresses and dates as they must be
"""
