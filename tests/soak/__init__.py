"""Half an hour of writers beside an eager maintainer, over a real catalog and a real object store.

A landing table gets a commit a second; a derived one, which is being compacted all the time, a
commit of new rows and one of swapped rows a second. Every so often a witness that shares no code
with the project compares the rows of a pinned snapshot with what the writers noted down, and what
the store holds with what the table names. In the end all is judged (:mod:`tests.soak.judge`).

Schedules of ``tests/explore`` meet every order of events in a store in memory; here time passes:
deletion after ten minutes, histories that are thinned, files that would pile up.
"""
