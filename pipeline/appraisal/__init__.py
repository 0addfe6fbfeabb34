"""Appraising what is known of a cited paper. Pure.

cited       one citation, by all of the following
identity    whether the record is the work that the author's words describe
standing    what all sources together say was done to the paper
"""
