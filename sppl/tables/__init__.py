"""What metrics may ask to be known of every response: one file per kind of table, whole."""
