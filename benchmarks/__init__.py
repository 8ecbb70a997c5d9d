"""How fast it is. Printed, never asserted."""
