"""What training and serving agree on: the phone, the network, the bundle, and the failures."""
