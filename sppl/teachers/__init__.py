"""Models that write responses: clients, pace, journal, cost."""
