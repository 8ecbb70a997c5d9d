"""Independent port sharing: codecs against hostile bytes, the broker against all rules."""
