"""Keys and rights of the nodes: SROS2's policies, and the keystore made of them."""
