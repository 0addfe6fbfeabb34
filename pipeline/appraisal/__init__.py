"""Appraising what is known of a cited paper. Pure.

cited       one citation: is the record the work that was meant, and what was done to it
identity    whether the record is the work that the author's words describe
standing    what all sources together say was done to the paper
statement   what kind of evidence it is, how old, where it can be read
weight      the kind of evidence, from NLM's publication types
"""
