"""`harvester dev tari`: a shop, its buyers and a hot wallet on one machine, and a daemon between them."""
