"""Response generation strategies: recipes, and strategies derived from others."""
