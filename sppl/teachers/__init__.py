"""Teachers, the models that write responses: clients, rate limits, journals, costs."""
