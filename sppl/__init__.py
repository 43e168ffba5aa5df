"""Self-aligned perplexity: choose the training responses that suit a target model, before training (arXiv 2502.11779)."""
