"""The kinds of tables that metrics may read of every response, one self-contained file per kind."""
