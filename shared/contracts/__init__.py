"""What travels: topics, the CloudEvents envelope and every event type.

Nothing here does I/O. Everything that names a topic or an event shape imports it from this
package; schemas and the AsyncAPI document are generated from it.
"""
