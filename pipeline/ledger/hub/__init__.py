"""The WebSub hub's subscriptions, and the requests that become them."""
