//! What is promised when something goes wrong: nothing acknowledged is lost, nothing is done twice, and what is done
//! to the books past the platform is found.

mod audit;
mod away;
mod clients;
mod clock;
mod containment;
mod crash;
mod database_away;
mod disk;
mod draws;
mod elsewhere;
mod fuzz;
mod hosts;
mod kept;
mod order;
mod probes;
mod restart;
mod samples;
mod verify;
