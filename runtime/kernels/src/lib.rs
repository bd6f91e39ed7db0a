//! Integer operators under Ocelli's arithmetic contract.
