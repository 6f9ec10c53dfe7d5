//! What computes, and how a user names it.

use crate::{
    BackendError,
    gpu::{self, Adapter, Gpu, ShaderChecks},
    plan::Precision,
};
use std::{num::NonZeroUsize, path::Path, str::FromStr, sync::Arc};

/// What computes.
#[derive(Clone, Debug)]
pub enum Device {
    /// A GPU, or a software driver that behaves like one.
    Gpu(Arc<Gpu>),
    /// The processor, with this many threads; none for one per core.
    Cpu(Option<NonZeroUsize>),
    /// The naive reference: slow and exact, to compare with.
    Reference,
}

impl Device {
    /// What a user calls it.
    pub fn name(&self) -> &str {
        match self {
            Device::Gpu(gpu) => &gpu.name,
            Device::Cpu(_) => "CPU",
            Device::Reference => "reference",
        }
    }

    /// Whether maps and filters can be stored as f16.
    pub fn has_f16(&self) -> bool {
        match self {
            Device::Gpu(gpu) => gpu.has_f16(),
            Device::Cpu(_) | Device::Reference => false,
        }
    }

    /// f16 where it is known to be worthwhile, else f32.
    pub fn automatic_precision(&self) -> Precision {
        match self {
            Device::Gpu(gpu) => gpu.automatic_precision(),
            Device::Cpu(_) | Device::Reference => Precision::F32,
        }
    }

    /// Opens the requested device. A GPU's compiled pipelines are kept in the directory `cache` from one start to the
    /// next, if one is named (see [`crate::cache_directory`]). Every GPU has to compute something small first, since some
    /// fail only then. Where the choice is `Auto`, the next one is taken after one that cannot start, the CPU last;
    /// `passed_over` is told why.
    ///
    /// # Errors
    /// If there is no such device, or the one that was named cannot start.
    pub fn open(
        choice: &DeviceChoice,
        threads: Option<NonZeroUsize>,
        cache: Option<&Path>,
        passed_over: &mut dyn FnMut(&BackendError),
    ) -> Result<Device, DeviceError> {
        if *choice == DeviceChoice::Cpu {
            return Ok(Device::Cpu(threads));
        }
        let adapters = gpu::adapters();
        let adapter = match choice {
            DeviceChoice::Cpu | DeviceChoice::Auto => {
                let gpu = automatic(&adapters, cache, &mut |_, error| passed_over(error));
                return Ok(gpu.map_or(Device::Cpu(threads), |(_, gpu)| Device::Gpu(gpu)));
            }
            DeviceChoice::Index(index) => {
                adapters.get(*index).ok_or(DeviceError::NoIndex { index: *index, count: adapters.len() })?
            }
            DeviceChoice::Name(name) => find(&adapters, name)?,
        };
        Ok(Device::Gpu(start(adapter, cache)?))
    }

    /// Opens all devices of a choice, the CPU last if it is among all. Of [`DeviceChoices::All`], those that cannot start are
    /// passed over.
    ///
    /// # Errors
    /// As [`Device::open`], or if one is named twice.
    pub fn open_all(
        choices: &DeviceChoices,
        threads: Option<NonZeroUsize>,
        cache: Option<&Path>,
        passed_over: &mut dyn FnMut(&BackendError),
    ) -> Result<Vec<Device>, DeviceError> {
        let choices = match choices {
            DeviceChoices::One(choice) => return Ok(vec![Device::open(choice, threads, cache, passed_over)?]),
            DeviceChoices::Several(choices) => choices,
            DeviceChoices::All => {
                let adapters = gpu::adapters();
                // A software driver computes on the processor too, and slower.
                let hardware = adapters.iter().filter(|adapter| !adapter.is_software());
                let started = hardware.filter_map(|adapter| start(adapter, cache).map_err(|e| passed_over(&e)).ok());
                return Ok(started.map(Device::Gpu).chain([Device::Cpu(threads)]).collect());
            }
        };
        let adapters = gpu::adapters();
        let places = choices.iter().map(|choice| place(choice, &adapters)).collect::<Result<Vec<_>, _>>()?;
        for (index, place) in places.iter().enumerate() {
            if places[..index].contains(place) {
                let name = place.map_or("the CPU", |adapter| &adapters[adapter].info.name);
                return Err(DeviceError::Twice { name: name.to_owned() });
            }
        }
        let open = |place: Option<usize>| match place {
            Some(adapter) => Ok(Device::Gpu(start(&adapters[adapter], cache)?)),
            None => Ok(Device::Cpu(threads)),
        };
        places.into_iter().map(open).collect()
    }
}

/// Which of the adapters a choice of one among several names; none for the CPU.
fn place(choice: &DeviceChoice, adapters: &[Adapter]) -> Result<Option<usize>, DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok(None),
        DeviceChoice::Auto => Err(DeviceError::Alone { word: "auto" }),
        DeviceChoice::Index(index) if *index < adapters.len() => Ok(Some(*index)),
        DeviceChoice::Index(index) => Err(DeviceError::NoIndex { index: *index, count: adapters.len() }),
        DeviceChoice::Name(name) if name == "all" => Err(DeviceError::Alone { word: "all" }),
        DeviceChoice::Name(name) => {
            let found = find(adapters, name)?;
            Ok(adapters.iter().position(|adapter| std::ptr::eq(adapter, found)))
        }
    }
}

/// What `auto` takes: the first hardware adapter that can start, with its index. None if there is none, because the CPU
/// back end beats a software driver. `passed_over` is told which could not, and why.
pub fn automatic(
    adapters: &[Adapter],
    cache: Option<&Path>,
    passed_over: &mut dyn FnMut(usize, &BackendError),
) -> Option<(usize, Arc<Gpu>)> {
    adapters.iter().enumerate().filter(|(_, adapter)| !adapter.is_software()).find_map(|(index, adapter)| {
        match start(adapter, cache) {
            Ok(gpu) => Some((index, gpu)),
            Err(error) => {
                passed_over(index, &error);
                None
            }
        }
    })
}

fn start(adapter: &Adapter, cache: Option<&Path>) -> Result<Arc<Gpu>, BackendError> {
    let gpu = Gpu::open_with_cache(adapter, ShaderChecks::default(), cache)?;
    gpu.check_start()?;
    Ok(gpu)
}

fn find<'a>(adapters: &'a [Adapter], name: &str) -> Result<&'a Adapter, DeviceError> {
    let wanted = name.to_lowercase();
    adapters.iter().find(|adapter| adapter.info.name.to_lowercase().contains(&wanted)).ok_or_else(|| {
        let names: Vec<&str> = adapters.iter().map(|adapter| adapter.info.name.as_str()).collect();
        let known = if names.is_empty() { "no GPU driver at all".to_owned() } else { names.join(", ") };
        DeviceError::NoName { name: name.to_owned(), known }
    })
}

/// How a user names a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The best GPU, or the CPU where there is none.
    #[default]
    Auto,
    /// The CPU back end.
    Cpu,
    /// By its place in `impasto devices`.
    Index(usize),
    /// By a part of its name, in any case.
    Name(String),
}

impl FromStr for DeviceChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => DeviceChoice::Auto,
            "cpu" => DeviceChoice::Cpu,
            other => match other.parse() {
                Ok(index) => DeviceChoice::Index(index),
                Err(_) => DeviceChoice::Name(other.to_owned()),
            },
        })
    }
}

/// How a user names the devices that paint one picture together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceChoices {
    /// One paints alone.
    One(DeviceChoice),
    /// Every GPU, and the processor.
    All,
    /// These.
    Several(Vec<DeviceChoice>),
}

impl FromStr for DeviceChoices {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = |part: &str| match part.trim().parse() {
            Ok(choice) if !part.trim().is_empty() => Ok(choice),
            _ => Err("a name is missing: write devices like 0,1,cpu"),
        };
        match text {
            "all" => Ok(DeviceChoices::All),
            list if list.contains(',') => {
                Ok(DeviceChoices::Several(list.split(',').map(parse).collect::<Result<_, _>>()?))
            }
            one => Ok(DeviceChoices::One(parse(one)?)),
        }
    }
}

/// Why there is no device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The index is past the end of the list.
    #[error("there is no device {index}: there are {count}, counted from 0")]
    NoIndex {
        /// What was asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// No name matches.
    #[error("no device's name contains \"{name}\": there is {known}; the CPU is always there")]
    NoName {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// One is to paint with itself.
    #[error("{name} is named twice: name each device once, like 0,1,cpu (see `impasto devices`)")]
    Twice {
        /// Its name.
        name: String,
    },
    /// A word that stands for devices is among others.
    #[error("{word} stands alone: leave out the other devices, or name those that shall paint, like 0,1,cpu")]
    Alone {
        /// The word.
        word: &'static str,
    },
    /// The device cannot be opened.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_words_numbers_or_names() {
        let parse = |text: &str| text.parse::<DeviceChoice>().unwrap();
        assert_eq!(parse("auto"), DeviceChoice::Auto);
        assert_eq!(parse("cpu"), DeviceChoice::Cpu);
        assert_eq!(parse("2"), DeviceChoice::Index(2));
        assert_eq!(parse("rtx 4090"), DeviceChoice::Name("rtx 4090".into()));
    }

    #[test]
    fn several_devices_are_a_list() {
        let parse = |text: &str| text.parse::<DeviceChoices>();
        let (zero, cpu) = (DeviceChoice::Index(0), DeviceChoice::Cpu);
        assert_eq!(parse("0, cpu"), Ok(DeviceChoices::Several(vec![zero.clone(), cpu.clone()])));
        assert_eq!(parse("cpu"), Ok(DeviceChoices::One(cpu)));
        assert_eq!(parse("0"), Ok(DeviceChoices::One(zero)));
        assert_eq!(parse("all"), Ok(DeviceChoices::All));
        for text in ["", ",", "0,", ",cpu", "0,,1"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let refused =
            |text: &str| Device::open_all(&parse(text).unwrap(), None, None, &mut |_| {}).unwrap_err().to_string();
        assert!(refused("cpu,cpu").contains("the CPU is named twice"));
        assert!(refused("cpu,auto").contains("auto stands alone"));
        assert!(refused("all,cpu").contains("all stands alone"));
        assert!(refused("cpu,4711").contains("there is no device 4711"));
    }

    #[test]
    fn a_device_that_is_not_there_is_named_with_those_that_are() {
        let open = |text: &str| Device::open(&text.parse().unwrap(), None, None, &mut |_| {}).unwrap_err().to_string();
        assert!(open("no such card").contains("\"no such card\""));
        assert!(open("4711").contains("there is no device 4711"));
    }
}
