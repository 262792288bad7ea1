"""Microsoft Teams: what people write and click there comes in here; answers go out by the workers."""
