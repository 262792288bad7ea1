"""The test kit, shipped as product code: whoever writes a backend tests it with what we test ours with."""
