//! YAML as the reference reads it (PyYAML, 1.1) into nodes that know their place.
