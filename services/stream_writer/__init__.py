"""stream_writer: records of topics become rows of landing tables, exactly once."""
