"""The storefront Shopify: orders come in by webhook; what becomes of them goes to its Admin API."""
