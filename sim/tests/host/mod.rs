//! The host side of a chip's bus: requests are pipelined, responses come back in order.

use lacuna_sim::{Model, testing::Rng};
use rand::Rng as _;

/// One request: a read, or a write of the first bytes of a beat.
#[derive(Debug, Clone)]
pub struct Request {
    pub addr: u32,
    pub data: Option<Vec<u8>>,
}

impl Request {
    pub fn read(addr: u32) -> Self {
        Self { addr, data: None }
    }

    pub fn write(addr: u32, data: &[u8]) -> Self {
        Self { addr, data: Some(data.to_vec()) }
    }
}

/// The chip and its bus.
pub struct Host {
    pub dut: Model,
    beat: usize,
}

impl Host {
    pub fn new(mut dut: Model, beat: usize) -> Self {
        dut.set("req_valid_i", 0);
        dut.set("rsp_ready_i", 0);
        dut.reset();
        Self { dut, beat }
    }

    /// Sends all requests as fast as the chip takes them; `None` is an error response. Returns the
    /// cycles it took, too.
    pub fn send(&mut self, requests: &[Request]) -> (Vec<Option<Vec<u8>>>, u64) {
        self.exchange(requests, |_| (true, true))
    }

    /// Sends all requests with pauses on both sides.
    pub fn send_haltingly(&mut self, rng: &mut Rng, requests: &[Request]) -> Vec<Option<Vec<u8>>> {
        let (offer, take) = (rng.random_range(0.2..1.0), rng.random_range(0.2..1.0));
        // What is offered stays offered, so pauses are drawn only between requests.
        self.exchange(requests, |fresh| (!fresh || rng.random_bool(offer), rng.random_bool(take))).0
    }

    fn exchange(
        &mut self,
        requests: &[Request],
        mut pace: impl FnMut(bool) -> (bool, bool),
    ) -> (Vec<Option<Vec<u8>>>, u64) {
        let began = self.dut.cycle();
        let mut responses = Vec::new();
        let (mut next, mut offered) = (0, false);
        while responses.len() < requests.len() {
            let (offer, take) = pace(!offered);
            offered = offer && next < requests.len();
            self.dut.set("req_valid_i", offered.into());
            self.dut.set("rsp_ready_i", take.into());
            if let Some(request) = requests.get(next).filter(|_| offered) {
                self.present(request);
            }
            self.dut.eval();
            if offered && self.dut.bit("req_ready_o") {
                next += 1;
                offered = false;
            }
            if take && self.dut.bit("rsp_valid_o") {
                responses.push((!self.dut.bit("rsp_error_o")).then(|| self.data()));
            }
            self.dut.step();
            assert!(self.dut.cycle() - began < 1000 + 100 * requests.len() as u64, "the bus does not answer");
        }
        self.dut.set("req_valid_i", 0);
        self.dut.set("rsp_ready_i", 0);
        (responses, self.dut.cycle() - began)
    }

    fn present(&mut self, request: &Request) {
        let data = request.data.as_deref().unwrap_or_default();
        self.dut.set("req_write_i", request.data.is_some().into());
        self.dut.set("req_addr_i", request.addr.into());
        self.dut.set_u128("req_wdata_i", data.iter().rev().fold(0, |word, byte| word << 8 | u128::from(*byte)));
        self.dut.set("req_wstrb_i", (1 << data.len()) - 1);
    }

    fn data(&self) -> Vec<u8> {
        self.dut.get_u128("rsp_rdata_o").to_le_bytes()[..self.beat].to_vec()
    }

    /// Reads one beat.
    pub fn read(&mut self, addr: u32) -> Option<Vec<u8>> {
        self.send(&[Request::read(addr)]).0.remove(0)
    }

    /// Reads a register.
    pub fn register(&mut self, index: u32) -> u32 {
        let data = self.read(index).expect("the register exists");
        u32::from_le_bytes(data[..4].try_into().expect("a beat has four bytes"))
    }

    /// Writes a register.
    pub fn set_register(&mut self, index: u32, value: u32) {
        let mut data = vec![0; self.beat];
        data[..4].copy_from_slice(&value.to_le_bytes());
        assert!(self.send(&[Request::write(index, &data)]).0[0].is_some(), "register {index}");
    }
}
