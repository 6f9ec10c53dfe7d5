//! What terms compare with: what the network computes from the photograph and from paintings.

use super::{
    error::Reason,
    objective::Objective,
    outline::Outline,
    scale_pictures::{ScalePictures, StylePicture},
    statistics::Moments,
};
use crate::{
    BackendError, Contents, Engine, Session, SlotContents,
    cpu::edge_loss,
    picture::Picture,
    plan::{
        self, Border, Network, Plan, PlanError, Pooling, Precision, Region, Representation, Routine, Size, Style,
        Tensor, Term, Window,
    },
    read_map,
    vgg19::Layer,
    write_values,
};

/// Why there are no targets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The picture does not suit the layers.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// The network as it looks at a picture of a given size, in a precision that the engine supports.
pub fn network(engine: &Engine, precision: Precision, size: Size, border: Border, pooling: Pooling) -> Network {
    let normalisation = engine.filters().normalisation;
    let storage = engine.storage(precision, size);
    Network { window: Window::whole(size), border, pooling, normalisation, storage }
}

/// A picture that terms compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The photograph whose content is kept.
    Photograph,
    /// One of the paintings whose style is taken, counted from 0.
    Painting(usize),
}

impl Source {
    /// What the network sees beyond its edge: paintings are never repeated.
    pub(super) fn border(self, picture: Border) -> Border {
        match (self, picture) {
            (Source::Painting(_), Border::Wrap) => Border::Replicate,
            _ => picture,
        }
    }
}

/// What terms need of each source, everything once.
pub(super) fn wanted_of_sources(terms: &[Term], outline: &Outline) -> Vec<(Source, Vec<Representation>)> {
    let contents = terms.iter().filter_map(|term| match term {
        Term::Content(layer) => Some(Representation::Features(*layer)),
        _ => None,
    });
    let mut all = vec![(Source::Photograph, contents.collect::<Vec<_>>())];
    for (number, painting) in outline.paintings.iter().enumerate() {
        let own = Region { number: 0, weighted: painting.masked };
        let mut wanted = Vec::new();
        for term in terms {
            let Term::Style(Style { layer, region, statistic }) = *term else { continue };
            if region == outline.regions[painting.region].region {
                wanted.push(Representation::Gram(layer, own));
                wanted.extend(statistic.needs_mean().then_some(Representation::Mean(layer, own)));
            }
        }
        all.push((Source::Painting(number), wanted));
    }
    all.retain(|(_, wanted)| !wanted.is_empty());
    all
}

/// What a content term compares with, held where the session that computed it left it.
#[derive(Debug)]
struct ContentTarget {
    layer: Layer,
    /// For a session of the same engine and precision.
    contents: SlotContents,
    /// Sum of its squares.
    squares: f64,
}

/// What terms compare with. Feature maps stay on the device, statistics are on the host.
#[derive(Debug, Default)]
pub struct Targets {
    contents: Vec<ContentTarget>,
    /// By painting and layer.
    styles: Vec<(usize, Layer, Moments)>,
    edges: Vec<f32>,
}

/// A term's target as it is written to a session.
pub(super) enum Target<'a> {
    Content(&'a SlotContents, f64),
    Style(Moments),
    Edges(&'a [f32]),
}

impl Targets {
    /// What follows from the pictures without the network.
    pub(super) fn new(terms: &[Term], content: &Picture) -> Targets {
        let edges =
            if terms.contains(&Term::Edges) { edge_loss::edges(content.pixels(), content.size()) } else { Vec::new() };
        Targets { edges, ..Targets::default() }
    }

    /// Runs the network on every picture that a term of the objective compares with.
    ///
    /// # Errors
    /// If a picture is too small for a layer or the device fails.
    pub fn made(
        engine: &Engine,
        precision: Precision,
        border: Border,
        pooling: Pooling,
        objective: &Objective,
        outline: &Outline,
        pictures: &ScalePictures,
    ) -> Result<Targets, Reason> {
        let terms = objective.terms();
        let mut targets = Targets::new(&terms, &pictures.content);
        for (source, wanted) in wanted_of_sources(&terms, outline) {
            let seen = SourcePicture::of(source, pictures);
            let network = network(engine, precision, seen.picture.size(), source.border(border), pooling);
            let plan = plan::features(&network, &wanted).map_err(|error| unsuitable(source, error))?;
            let mut session = engine.session(&plan)?;
            seen.write(session.as_mut(), &plan, &wanted)?;
            session.run(Routine::Features)?;
            let contents = read_by_host(source, &wanted)
                .iter()
                .map(|&tensor| {
                    session.read(plan.find(tensor).expect("a features plan holds what is wanted")).map(Contents::from)
                })
                .collect::<Result<Vec<_>, _>>()?;
            targets.take(source, &wanted, &contents, &plan, session.as_mut())?;
        }
        Ok(targets)
    }

    /// Takes what the network computed from a picture out of a session that is no longer used. `contents` are those of
    /// [`read_by_host`].
    pub(super) fn take(
        &mut self,
        source: Source,
        wanted: &[Representation],
        contents: &[Contents],
        plan: &Plan,
        session: &mut dyn Session,
    ) -> Result<(), BackendError> {
        match source {
            Source::Photograph => {
                for (&representation, squares) in wanted.iter().zip(contents[0].values()?) {
                    let slot = plan.find(representation.tensor()).expect("a features plan holds what is wanted");
                    let contents = session.hand_over(slot)?;
                    let layer = representation.layer();
                    self.contents.push(ContentTarget { layer, contents, squares: f64::from(squares) });
                }
            }
            Source::Painting(number) => {
                for (representation, contents) in wanted.iter().zip(contents) {
                    let layer = representation.layer();
                    let known = self.styles.iter().position(|(of, at, _)| (*of, *at) == (number, layer));
                    let index = known.unwrap_or_else(|| {
                        self.styles.push((number, layer, Moments::default()));
                        self.styles.len() - 1
                    });
                    let moments = &mut self.styles[index].2;
                    match representation {
                        Representation::Mean(..) => moments.mean = contents.values()?,
                        _ => moments.gram = contents.values()?,
                    }
                }
            }
        }
        Ok(())
    }

    /// What a term compares with; none if it compares with nothing, or nothing of its paintings is left at this size.
    pub(super) fn get(&self, term: Term, outline: &Outline) -> Option<Target<'_>> {
        match term {
            Term::Content(layer) => {
                let target = self.contents.iter().find(|target| target.layer == layer)?;
                Some(Target::Content(&target.contents, target.squares))
            }
            Term::Style(Style { layer, region, .. }) => {
                let ruling = outline
                    .paintings
                    .iter()
                    .enumerate()
                    .filter(|(_, painting)| outline.regions[painting.region].region == region);
                let parts: Vec<(f64, &Moments)> = ruling
                    .filter_map(|(number, painting)| {
                        let found = self.styles.iter().find(|(of, at, _)| (*of, *at) == (number, layer));
                        found.map(|(_, _, moments)| (painting.share, moments))
                    })
                    // Nothing is left of a mask at a small size.
                    .filter(|(_, moments)| moments.gram.iter().any(|value| *value != 0.0))
                    .collect();
                let shares: f64 = parts.iter().map(|(share, _)| share).sum();
                let parts: Vec<(f64, &Moments)> =
                    parts.into_iter().map(|(share, moments)| (share / shares, moments)).collect();
                (!parts.is_empty()).then(|| Target::Style(Moments::blend(&parts)))
            }
            Term::Edges => Some(Target::Edges(&self.edges)),
            Term::TotalVariation => None,
        }
    }
}

/// What the host reads after the network has looked at a source.
pub(super) fn read_by_host(source: Source, wanted: &[Representation]) -> Vec<Tensor> {
    match source {
        Source::Photograph => vec![Tensor::SumsOfSquares],
        Source::Painting(_) => wanted.iter().map(|representation| representation.tensor()).collect(),
    }
}

/// A source and how much each of its pixels counts.
#[derive(Clone, Copy)]
pub(super) struct SourcePicture<'a> {
    pub picture: &'a Picture,
    style: Option<&'a StylePicture>,
}

impl<'a> SourcePicture<'a> {
    pub fn of(source: Source, pictures: &'a ScalePictures) -> SourcePicture<'a> {
        match source {
            Source::Photograph => SourcePicture { picture: &pictures.content, style: None },
            Source::Painting(number) => {
                let style = &pictures.paintings[number];
                SourcePicture { picture: &style.picture, style: Some(style) }
            }
        }
    }

    /// Writes what the host has to write before the network looks.
    pub fn write(self, session: &mut dyn Session, plan: &Plan, wanted: &[Representation]) -> Result<(), BackendError> {
        let slot = |tensor| plan.find(tensor).expect("a features plan has a picture and weights");
        write_values(session, slot(Tensor::Image), self.picture.pixels())?;
        let layers: Vec<(Layer, Region)> = wanted
            .iter()
            .filter_map(|representation| match *representation {
                Representation::Gram(layer, region) if region.weighted => Some((layer, region)),
                _ => None,
            })
            .collect();
        if let Some(mask) = self.style.and_then(|style| style.mask.as_deref()) {
            for ((layer, region), weights) in layers.iter().zip(weights_at(mask, self.picture.size(), &layers)) {
                write_values(session, slot(Tensor::RegionWeights(*layer, *region)), &weights)?;
            }
        }
        Ok(())
    }
}

/// Weights of a mask at some layers.
pub(super) fn weights_at(mask: &[f32], size: Size, layers: &[(Layer, Region)]) -> Vec<Vec<f32>> {
    let layers: Vec<Layer> = layers.iter().map(|(layer, _)| *layer).collect();
    super::region_weights::layer_weights(mask, size, &layers)
}

/// Why there is no plan for a picture, in words that name the picture.
pub(super) fn unsuitable(source: Source, error: PlanError) -> Reason {
    match source {
        Source::Photograph => Reason::Content(error),
        Source::Painting(_) => Reason::Style(error),
    }
}

/// Runs the network on a picture and reads what is wanted, in that order: feature maps (haloed NHWC), Gram matrices
/// (`[C][C]`) and means (`[C]`), all of the whole picture. If nothing is wanted, the result is empty.
///
/// # Errors
/// If the picture is too small for a layer or the device fails.
pub fn features(
    engine: &Engine,
    precision: Precision,
    picture: &Picture,
    border: Border,
    pooling: Pooling,
    wanted: &[Representation],
) -> Result<Vec<Vec<f32>>, TargetError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let plan = plan::features(&network(engine, precision, picture.size(), border, pooling), wanted)?;
    let mut session = engine.session(&plan)?;
    let slot = |tensor| plan.find(tensor).expect("a features plan holds what is wanted");
    write_values(session.as_mut(), slot(Tensor::Image), picture.pixels())?;
    session.run(Routine::Features)?;
    let mut read = |representation: &Representation| read_map(session.as_mut(), &plan, slot(representation.tensor()));
    Ok(wanted.iter().map(&mut read).collect::<Result<_, _>>()?)
}
