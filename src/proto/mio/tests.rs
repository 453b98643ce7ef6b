//! The machines of the supervisor joined.
