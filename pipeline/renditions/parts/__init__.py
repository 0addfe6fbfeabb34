"""What the formats share. No format is in this package.

text             characters that may leave, and escaping
uri, identity    addresses as URIs; ids that never change
dates, media     dates as text; an image's media type by its address
markup           the article's tree as HTML; as plain text: `pipeline.flattening`
simpler_lists    lists for formats that have fewer kinds of them
topics           what kind of thing a topic is, in the words of schema.org
people           authors and reviewers
evidence         references with their marks
fragments        question, answer, calls to action, related links, byline, disclaimers
content          the whole article as one piece of HTML; `content_text`: as plain text
linked_data      the article as schema.org's nodes; `linked_references`, `linked_evidence`: what it cites
head, feed_xml   what a feed says of itself; RSS and Atom through feedgen
json_bytes       a JSON document as bytes
webpage          the article's page by its templates (`templates`); `withdrawn_page`, `withdrawn_entry`: what takes its
                 place, as a page and in a feed
"""
