"""Libraries that compute a network's gradient in their own way."""
