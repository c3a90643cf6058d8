"""Stands in for Coqui's library, which is not installed where the tests run."""
