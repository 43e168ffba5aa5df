"""Self-aligned perplexity: choose the training responses that suit a target model (arXiv 2502.11779)."""
