"""Files with many events: named by a request or found under a watched prefix, then announced.

Reads: the beginning and end of a file, to see that it is whole. Writes: one ExportReady a file on
the topic of its source. What is in it is stream_writer's to read.
"""
