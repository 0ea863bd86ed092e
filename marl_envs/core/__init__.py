"""What all environments share: compilation, random streams, parameters, the two faces, the registry."""
