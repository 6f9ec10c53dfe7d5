//! `impasto studio` as a process: what programs ask of it, what attackers try, what is left when it is killed, and what a person
//! sees in a browser.

mod attacks;
mod browser;
mod client;
mod commands;
mod document;
mod killed;
mod painting;
mod readme;

use client::Studio;
