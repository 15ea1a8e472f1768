//! Services, tariffs, runs, charges, payments, receipts.
