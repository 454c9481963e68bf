"""Search providers: one small module each, all to one contract."""
