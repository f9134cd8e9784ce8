//! Runs an endpoint on a pipe.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lacuna_spec::frame::Hello;
use lacuna_spec::tables::layout_hash;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, instrument};

use super::bursts::{History, reads, writes};
use super::endpoint::{Command, Endpoint, Reply, Token};
use super::redial::{Dial, Redial};
use super::{Greeting, LinkError};

/// What a [`Link`] runs over.
pub trait Pipe: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<P: AsyncRead + AsyncWrite + Send + Unpin + 'static> Pipe for P {}

type Answer = oneshot::Sender<Result<Reply, LinkError>>;

/// Commands that wait for the window, at most; what is more waits in the caller.
const AHEAD: usize = 16;

/// An open session with a chip. Calls may overlap: they run on the chip in the order they were made.
#[derive(Debug, Clone)]
pub struct Link {
    hello: Hello,
    commands: mpsc::Sender<(Command, Answer)>,
    failure: Arc<OnceLock<LinkError>>,
    history: Arc<History>,
}

impl Link {
    /// Opens a session with the chip at the other end of `pipe`.
    ///
    /// # Errors
    /// [`LinkError::NoAnswer`], [`LinkError::StaleLayout`], [`LinkError::Version`],
    /// [`LinkError::Disconnected`].
    pub async fn open(pipe: impl Pipe) -> Result<Self, LinkError> {
        Self::start(Box::new(pipe), None).await
    }

    /// As [`Link::open`]; when the line goes away later, `dialer` opens it again and the session goes on: commands
    /// under way are neither lost nor run twice. A line that stays away for [`PATIENCE`](super::PATIENCE) is gone.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub async fn open_with(pipe: Box<dyn Pipe>, dialer: impl Dial) -> Result<Self, LinkError> {
        Self::start(pipe, Some(Redial::new(Box::new(dialer)))).await
    }

    #[instrument(skip_all)]
    async fn start(pipe: Box<dyn Pipe>, redial: Option<Redial>) -> Result<Self, LinkError> {
        let mut wire = Wire::new(pipe);
        let endpoint = greet(&mut wire).await?;
        let hello = *endpoint.hello();
        debug!(?hello, "session open");
        let (commands, inbox) = mpsc::channel(AHEAD);
        let failure = Arc::new(OnceLock::new());
        tokio::spawn(run(wire, endpoint, inbox, redial, Arc::clone(&failure)));
        Ok(Self { hello, commands, failure, history: Arc::default() })
    }

    /// Who answered.
    #[must_use]
    pub const fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Writes whole beats to consecutive addresses; done when the chip has stored them all.
    ///
    /// # Errors
    /// [`LinkError::Ragged`], [`LinkError::Unmapped`], or why the link failed.
    pub async fn write(&self, address: u32, bytes: &[u8]) -> Result<(), LinkError> {
        self.begin_write(address, bytes).await?.finish(self).await.map(drop)
    }

    /// As [`Link::write`], but only hands its frames to the line, or to the queue before it.
    pub(crate) async fn begin_write(&self, address: u32, bytes: &[u8]) -> Result<UnderWay, LinkError> {
        let shape = self.hello.shape;
        if !bytes.len().is_multiple_of(shape.word_bytes) {
            return Err(LinkError::Ragged { bytes: bytes.len(), word: shape.word_bytes });
        }
        let mut frames = Vec::new();
        for command in writes(address, bytes, &shape) {
            frames.push(self.submit(command).await?);
        }
        Ok(UnderWay { frames, read: None })
    }

    /// Reads whole beats from consecutive addresses.
    ///
    /// # Errors
    /// [`LinkError::Unmapped`], or why the link failed.
    pub async fn read(&self, address: u32, beats: usize) -> Result<Vec<u8>, LinkError> {
        self.begin_read(address, beats).await?.finish(self).await
    }

    /// As [`Link::read`], but only hands its frames to the line, or to the queue before it.
    pub(crate) async fn begin_read(&self, address: u32, beats: usize) -> Result<UnderWay, LinkError> {
        let mut frames = Vec::new();
        for command in reads(address, beats, self.history.fill(address), &self.hello.shape) {
            frames.push(self.submit(command).await?);
        }
        Ok(UnderWay { frames, read: Some(address) })
    }

    /// Hands a command to the runner: in the window, or next in line for it.
    async fn submit(&self, command: Command) -> Result<Pending, LinkError> {
        let burst = (command.address, usize::from(command.count));
        let (answer, reply) = oneshot::channel();
        self.commands.send((command, answer)).await.map_err(|_| self.failed())?;
        Ok((reply, burst))
    }

    async fn settle(&self, reply: PendingReply, (address, beats): (u32, usize)) -> Result<Vec<u8>, LinkError> {
        let reply = reply.await.unwrap_or_else(|_| Err(self.failed()))?;
        if reply.mapped { Ok(reply.payload) } else { Err(LinkError::Unmapped { address, beats }) }
    }

    /// Why the runner stopped.
    fn failed(&self) -> LinkError {
        let stopped = || LinkError::Disconnected { reason: "the link was shut down".into() };
        self.failure.get().cloned().unwrap_or_else(stopped)
    }
}

/// Frames of one write or read that are under way.
pub(crate) struct UnderWay {
    frames: Vec<Pending>,
    /// The first beat of a read.
    read: Option<u32>,
}

impl UnderWay {
    /// Waits for all of it and gives what was read.
    pub(crate) async fn finish(self, link: &Link) -> Result<Vec<u8>, LinkError> {
        let mut bytes = Vec::new();
        for (reply, burst) in self.frames {
            bytes.extend(link.settle(reply, burst).await?);
        }
        if let Some(address) = self.read {
            link.history.learn(address, &bytes, &link.hello.shape);
        }
        Ok(bytes)
    }
}

type PendingReply = oneshot::Receiver<Result<Reply, LinkError>>;
type Pending = (PendingReply, (u32, usize));

/// Opens a session with the chip at the other end of the wire.
pub(super) async fn greet(wire: &mut Wire) -> Result<Endpoint, LinkError> {
    let nonce = RandomState::new().hash_one(wire.start.elapsed()) as u16;
    let mut greeting = Greeting::new(layout_hash(), nonce, wire.now());
    loop {
        let now = wire.now();
        greeting.expire(now)?;
        wire.backlog.extend(greeting.outgoing(now));
        let bytes = wire.turn(Some(greeting.deadline())).await?;
        if let Some(endpoint) = greeting.receive(bytes, now)? {
            return Ok(endpoint);
        }
    }
}

/// A pipe with its clock and the bytes that it has not taken yet.
pub(super) struct Wire {
    reader: ReadHalf<Box<dyn Pipe>>,
    writer: WriteHalf<Box<dyn Pipe>>,
    backlog: VecDeque<Vec<u8>>,
    written: usize,
    start: Instant,
    buffer: Box<[u8]>,
}

impl Wire {
    fn new(pipe: Box<dyn Pipe>) -> Self {
        let (reader, writer) = tokio::io::split(pipe);
        let buffer = vec![0; 4096].into();
        Self { reader, writer, backlog: VecDeque::new(), written: 0, start: Instant::now(), buffer }
    }

    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Goes on over another pipe; what the last one did not take is gone.
    pub(super) fn replace(&mut self, pipe: Box<dyn Pipe>) {
        (self.reader, self.writer) = tokio::io::split(pipe);
        self.backlog.clear();
        self.written = 0;
    }

    /// Closes the pipe.
    pub(super) fn hang_up(&mut self) {
        self.replace(Box::new(tokio::io::empty()));
    }

    /// Reads, writes or waits, whichever comes first; gives what was read, which may be nothing.
    ///
    /// Every branch can be dropped half-way without losing bytes, so this can be a branch itself.
    async fn turn(&mut self, deadline: Option<Duration>) -> Result<&[u8], LinkError> {
        let frame = self.backlog.front().map(|frame| &frame[self.written..]);
        let far = Duration::from_secs(1000);
        tokio::select! {
            read = self.reader.read(&mut self.buffer) => match read? {
                0 => Err(LinkError::Disconnected { reason: "the other side closed it".into() }),
                count => Ok(&self.buffer[..count]),
            },
            written = self.writer.write(frame.unwrap_or_default()), if frame.is_some() => {
                self.written += written?;
                if self.backlog.front().is_some_and(|frame| frame.len() == self.written) {
                    self.backlog.pop_front();
                    self.written = 0;
                }
                Ok(&[])
            },
            () = sleep_until(self.start + deadline.unwrap_or_else(|| self.start.elapsed() + far)) => Ok(&[]),
        }
    }
}

/// Runs until the last [`Link`] is dropped or the link fails; then everybody who waits learns why.
async fn run(
    mut wire: Wire,
    mut endpoint: Endpoint,
    mut inbox: mpsc::Receiver<(Command, Answer)>,
    mut redial: Option<Redial>,
    failure: Arc<OnceLock<LinkError>>,
) {
    let mut waiting = HashMap::new();
    let mut token = 0;
    let result = loop {
        let result = serve(&mut wire, &mut endpoint, &mut inbox, &mut waiting, &mut token).await;
        let (Err(error), Some(redial)) = (&result, &mut redial) else { break result };
        if let Err(error) = redial.resume(&mut wire, &mut endpoint, error.clone(), || !inbox.is_closed()).await {
            break Err(error);
        }
    };
    debug!(stats = ?endpoint.stats(), ?result, "session over");
    if let Err(error) = result {
        // First the reason, then the news: whoever finds the channel closed finds the reason too.
        let error = failure.get_or_init(|| error).clone();
        inbox.close();
        for (_, answer) in waiting {
            let _ = Answer::send(answer, Err(error.clone()));
        }
    }
}

async fn serve(
    wire: &mut Wire,
    endpoint: &mut Endpoint,
    inbox: &mut mpsc::Receiver<(Command, Answer)>,
    waiting: &mut HashMap<Token, Answer>,
    token: &mut Token,
) -> Result<(), LinkError> {
    loop {
        endpoint.expire(wire.now())?;
        // One frame ahead of the pipe keeps it busy; more would only make repeats wait.
        if wire.backlog.len() < 2 {
            wire.backlog.extend(endpoint.outgoing(wire.now()));
        }
        let deadline = endpoint.deadline();
        tokio::select! {
            command = inbox.recv(), if endpoint.queued() < AHEAD => match command {
                None => return Ok(()),
                Some((command, answer)) => {
                    *token += 1;
                    waiting.insert(*token, answer);
                    endpoint.submit(*token, command);
                }
            },
            bytes = wire.turn(deadline) => {
                let bytes = bytes?.to_vec();
                for reply in endpoint.receive(&bytes, wire.now())? {
                    let answer = waiting.remove(&reply.token).expect("a command is answered once");
                    // A caller that gave up does not want to know.
                    let _ = answer.send(Ok(reply));
                }
            }
        }
    }
}
