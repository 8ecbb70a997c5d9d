"""Independent port sharing: devices that may, map their own ports."""
