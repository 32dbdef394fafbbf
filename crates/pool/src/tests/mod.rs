//! Rules of the pool, one test each.
