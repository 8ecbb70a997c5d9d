"""The Linux gateway: its firewall and its facts, over netlink."""
