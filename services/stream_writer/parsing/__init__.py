"""From fetched records to Arrow rows of a landing table: pure, no I/O, no clock.

One record is one row, in order, always. ``rows`` is the entrance. Most records take the bulk
path (``decoder`` reads the declared paths, ``columns`` casts whole columns); a record that it is
not certain about goes to ``reference``, which states the rules one value at a time (``values``,
``timestamps``). The bulk path accepts only plain spellings, so the rules live in one place.
"""
