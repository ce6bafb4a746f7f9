//! Data categories, uses and subjects: keys of fideslang (CC BY 4.0, see `fideslang.toml`) and hub's extensions. Data, not code.
