//! Counters stay exact, and nobody deadlocks, when many sessions write at once. Races are held at barriers and run many times; nothing
//! sleeps.

mod deadlocks;
mod events;
mod interrupted;
mod latest;
mod rooms;
mod seats;
mod writers;
