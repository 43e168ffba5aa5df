"""Models on disk and on the hub: the target model, reward models, adapters, chat templates."""
