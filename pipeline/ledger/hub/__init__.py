"""The WebSub hub's subscriptions and subscription requests."""
