"""The changes that partners can fetch, and how far each partner has got."""
