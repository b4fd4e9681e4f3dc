"""The fit beside a sampler that makes none of its approximations; see README.md."""
