"""Rows that come in files: the records of a topic only say that a file is there.

One record is one commit: the rows of its file that the table lacks, and the position after it, in
one snapshot. So whatever is read again, announced again or killed, a row is inserted once.
"""
