// A device of its own for the tests: `loom`, by PyTorch's PrivateUse1 key. Its memory is the host's, its kernels are the
// CPU's, on tensors that share the device's memory; so all that a recipe can do runs on it, with the CPU's numbers.
// What can go wrong with a device is switched on by variables of the environment, read at each op: see `faults` below.
// Two devices (LOOM_DEVICES); LOOM_VISIBLE_DEVICES=1,0 chooses among them, as CUDA_VISIBLE_DEVICES does.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/autocast_mode.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <fcntl.h>
#include <sys/file.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <sstream>

namespace {

using torch::jit::Stack;
constexpr auto LOOM = c10::DeviceType::PrivateUse1;
constexpr auto MOST = 8;

// faults: LOOM_WRONG=sigmoid_backward,erf and the like name ops of ATen, without overloads

std::string asked(const char* name, const std::string& otherwise = "") {
  const char* given = std::getenv(name);
  return given == nullptr ? otherwise : std::string(given);
}

std::vector<std::string> listed(const char* name) {
  std::vector<std::string> words;
  std::istringstream given(asked(name));
  for (std::string word; std::getline(given, word, ',');) words.push_back(word);
  return words;
}

bool names(const char* variable, const std::string& op) {
  for (const auto& word : listed(variable)) if (word == op) return true;
  return false;
}

std::string with(std::string text, const std::string& what, const std::string& value) {
  for (size_t at; (at = text.find(what)) != std::string::npos;) text.replace(at, what.size(), value);
  return text;
}

std::atomic<bool> lost[MOST];
std::atomic<int64_t> used[MOST];
std::atomic<int64_t> emptied{0}, synchronized[MOST];

void must_be_alive(c10::DeviceIndex index) {  // LOOM_LOST: after this op every wait and everything that follows raises
  TORCH_CHECK(!lost[index], asked("LOOM_LOST_WORDS",
      "LOOM error: device-side assert triggered\nLOOM kernel errors might be asynchronously reported at some other API call"));
}

std::vector<int> visible() {
  std::vector<int> all;
  int there = std::min(MOST, std::stoi(asked("LOOM_DEVICES", "2")));
  if (std::getenv("LOOM_VISIBLE_DEVICES") == nullptr) {
    for (int one = 0; one < there; one++) all.push_back(one);
  }
  for (const auto& word : listed("LOOM_VISIBLE_DEVICES")) if (std::stoi(word) < there) all.push_back(std::stoi(word));
  return all;
}
const std::vector<int> devices = visible();

void open_device(c10::DeviceIndex index) {  // LOOM_LOCK=PREFIX: one process a device
  static std::map<int, int> opened;
  int device = devices.at(index);
  auto prefix = asked("LOOM_LOCK");
  if (prefix.empty() || opened.count(device)) return;
  int file = ::open((prefix + std::to_string(device)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  bool ours = file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) == 0;
  if (!ours && file >= 0) ::close(file);
  TORCH_CHECK(ours, "LOOM error: device ", device, " is held by another process");
  opened[device] = file;
}

// memory: blocks of the host's, counted; LOOM_MEMORY=BYTES is what a device has

void take(c10::DeviceIndex index, int64_t bytes) {
  must_be_alive(index);
  open_device(index);
  auto most = std::stoll(asked("LOOM_MEMORY", "0"));
  if (most > 0 && used[index] + bytes > most) {
    auto words = asked("LOOM_MEMORY_WORDS");
    TORCH_CHECK(words.empty(), words);
    TORCH_CHECK_WITH(OutOfMemoryError, false, "LOOM out of memory. Tried to allocate ", bytes, " bytes");
  }
  used[index] += bytes;
}

struct Block {
  c10::Storage host;
  c10::DeviceIndex device;
  int64_t bytes;
  ~Block() { used[device] -= bytes; }
};

c10::DataPtr on_device(const c10::Storage& host, c10::DeviceIndex index) {
  auto bytes = static_cast<int64_t>(host.nbytes());
  take(index, bytes);
  void* data = host.data_ptr().get();
  return {data, new Block{host, index, bytes}, [](void* block) { delete static_cast<Block*>(block); }, {LOOM, index}};
}

thread_local c10::DeviceIndex current = 0;

void check_index(c10::DeviceIndex index) {
  TORCH_CHECK(index >= 0 && index < static_cast<int>(devices.size()), "LOOM error: invalid device ordinal ", int(index));
}

struct Memory final : c10::DeviceAllocator {
  c10::DataPtr allocate(size_t bytes) override {
    check_index(current);
    auto* host = c10::GetCPUAllocator();
    c10::Storage storage(c10::Storage::use_byte_size_t(), bytes, host->allocate(bytes), host, true);
    return on_device(storage, current);
  }
  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override { emptied++; }
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override { return {}; }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}
};
Memory memory;
REGISTER_ALLOCATOR(LOOM, &memory);

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return LOOM; }
  c10::Device getDevice() const override { return {LOOM, current}; }
  c10::Device exchangeDevice(c10::Device to) const override {
    c10::Device before{LOOM, current};
    setDevice(to);
    return before;
  }
  void setDevice(c10::Device to) const override { if (to.has_index()) check_index(to.index()), current = to.index(); }
  void uncheckedSetDevice(c10::Device to) const noexcept override { if (to.has_index()) current = to.index(); }
  c10::Stream getStream(c10::Device of) const override { return c10::Stream(c10::Stream::DEFAULT, of); }
  c10::Stream getDefaultStream(c10::Device of) const override { return getStream(of); }
  c10::Stream exchangeStream(c10::Stream to) const override { return to; }
  c10::DeviceIndex deviceCount() const noexcept override { return static_cast<c10::DeviceIndex>(devices.size()); }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream& stream) const override { must_be_alive(stream.device_index()); }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void synchronizeDevice(c10::DeviceIndex index) const override {
    synchronized[index]++;
    must_be_alive(index);
  }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

// random numbers: the CPU's generator under the device's name

struct Stream final : c10::GeneratorImpl {
  at::Generator host;
  Stream(c10::DeviceIndex index, at::Generator made)
      : GeneratorImpl({LOOM, index}, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1)), host(std::move(made)) {}
  void set_current_seed(uint64_t seed) override { host.set_current_seed(seed); }
  uint64_t current_seed() const override { return host.current_seed(); }
  uint64_t seed() override { return host.seed(); }
  void set_offset(uint64_t) override { TORCH_CHECK(false, "LOOM: a stream of random numbers has no offset"); }
  uint64_t get_offset() const override { return 0; }
  void set_state(const c10::TensorImpl& state) override { host.unsafeGetGeneratorImpl()->set_state(state); }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override { return host.unsafeGetGeneratorImpl()->get_state(); }
  Stream* clone_impl() const override { return new Stream(device().index(), host.clone()); }
};

at::Generator new_stream(c10::DeviceIndex index) {
  return at::make_generator<Stream>(index < 0 ? current : index, at::detail::createCPUGenerator());
}

const at::Generator& stream_of(c10::DeviceIndex index) {
  static std::vector<at::Generator> all = [] {
    std::vector<at::Generator> made;
    for (int one = 0; one < MOST; one++) made.push_back(new_stream(one));
    return made;
  }();
  if (index < 0) index = current;
  check_index(index);
  return all.at(index);
}

at::Generator host_of(const at::Generator& stream) {
  return static_cast<Stream*>(stream.unsafeGetGeneratorImpl())->host;
}

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return !devices.empty(); }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex index) const override { return stream_of(index); }
  at::Generator getNewGenerator(c10::DeviceIndex index) const override { return new_stream(index); }
  c10::DeviceIndex deviceCount() const override { return static_cast<c10::DeviceIndex>(devices.size()); }
  c10::DeviceIndex getCurrentDevice() const override { return current; }
  void setCurrentDevice(c10::DeviceIndex index) const override { check_index(index), current = index; }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex index) const override { return Guard().exchangeDevice({LOOM, index}).index(); }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex index) const override { return exchangeDevice(index); }
  void resizePrivateUse1Bytes(const c10::Storage& storage, size_t bytes) const override {
    c10::OptionalDeviceGuard guard(storage.device());
    auto data = memory.allocate(bytes);
    std::memcpy(data.get(), storage.data_ptr().get(), std::min(bytes, storage.nbytes()));
    storage.set_data_ptr_noswap(std::move(data));
    storage.unsafeGetStorageImpl()->set_nbytes(bytes);
  }
};
[[maybe_unused]] const bool hooked = (at::RegisterPrivateUse1HooksInterface(new Hooks()), true);

// one call on the CPU: each tensor of the device in it is lent to the CPU with its own memory, what comes back is taken over

struct Lending {
  std::map<c10::StorageImpl*, c10::Storage> lent;          // the device's memory, as the CPU sees it
  std::map<c10::StorageImpl*, c10::Storage> taken;         // and back
  std::map<c10::TensorImpl*, std::pair<at::Tensor, at::Tensor>> originals;  // a lent tensor, and whose it is
  std::optional<c10::DeviceIndex> device;

  void at_device(c10::Device found) {
    auto index = found.has_index() ? found.index() : current;
    TORCH_CHECK(!device || *device == index, "Expected all tensors to be on the same device, but found at least two "
        "devices, loom:", int(*device), " and loom:", int(index), "!");
    device = index;
  }
  c10::Storage lend(const c10::Storage& storage) {
    auto*key = storage.unsafeGetStorageImpl();
    if (!lent.count(key)) {
      c10::DataPtr view(storage.data_ptr().get(), c10::Device(c10::DeviceType::CPU));
      lent[key] = c10::Storage(c10::Storage::use_byte_size_t(), storage.nbytes(), std::move(view), c10::GetCPUAllocator(), true);
      taken[lent[key].unsafeGetStorageImpl()] = storage;
    }
    return lent[key];
  }
  at::Tensor lend(const at::Tensor& tensor) {
    if (!tensor.defined() || tensor.device().type() != LOOM) return tensor;
    at_device(tensor.device());
    auto made = at::detail::make_tensor<c10::TensorImpl>(
        lend(tensor.storage()), c10::DispatchKeySet(c10::DispatchKey::CPU), tensor.dtype());
    auto* impl = made.unsafeGetTensorImpl();
    impl->set_sizes_and_strides(tensor.sizes(), tensor.strides(), tensor.storage_offset());
    if (tensor.is_conj()) made._set_conj(true);
    if (tensor.is_neg()) made._set_neg(true);
    originals[impl] = {made, tensor};
    return made;
  }
  c10::Storage take_over(const c10::Storage& host) {
    auto* key = host.unsafeGetStorageImpl();
    if (!taken.count(key)) {
      taken[key] = c10::Storage(c10::Storage::use_byte_size_t(), host.nbytes(), on_device(host, *device), &memory, true);
      lent[taken[key].unsafeGetStorageImpl()] = host;
    }
    return taken[key];
  }
  at::Tensor take_over(const at::Tensor& made) {
    if (!made.defined()) return made;
    auto found = originals.find(made.unsafeGetTensorImpl());
    if (found != originals.end()) return found->second.second;
    auto tensor = at::detail::make_tensor<c10::TensorImpl>(
        take_over(made.storage()), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), made.dtype());
    tensor.unsafeGetTensorImpl()->set_sizes_and_strides(made.sizes(), made.strides(), made.storage_offset());
    return tensor;
  }
  void settle() {  // what the op did to the tensors themselves: resized them, or gave them other memory
    for (auto& [impl, both] : originals) {
      auto& [host, original] = both;
      auto storage = take_over(host.storage());
      if (storage.data_ptr().get() != host.storage().data_ptr().get()) {
        storage.set_data_ptr_noswap(on_device(host.storage(), *device));
        storage.unsafeGetStorageImpl()->set_nbytes(host.storage().nbytes());
      }
      auto* own = original.unsafeGetTensorImpl();
      if (!storage.is_alias_of(original.storage())) own->set_storage_keep_dtype(storage);
      if (original.sizes() != host.sizes() || original.strides() != host.strides() ||
          original.storage_offset() != host.storage_offset())
        own->set_sizes_and_strides(host.sizes(), host.strides(), host.storage_offset());
    }
  }
};

template <typename F>
c10::IValue with_tensors(const c10::IValue& value, const F& change) {  // each tensor in a value changed
  if (value.isTensor()) return change(value.toTensor());
  if (value.isTensorList()) {
    c10::List<at::Tensor> made;
    for (const auto& one : value.toTensorVector()) made.push_back(change(one));
    return made;
  }
  if (value.isList() && value.toListRef().size() && value.toList().elementType()->kind() == c10::TypeKind::OptionalType) {
    c10::List<std::optional<at::Tensor>> made;
    for (const auto& one : value.toListRef())
      made.push_back(one.isTensor() ? std::optional<at::Tensor>(change(one.toTensor())) : std::nullopt);
    return made;
  }
  return value;
}

at::Tensor in_few_bits(const at::Tensor& tensor) {
  return tensor.defined() && tensor.is_floating_point() && tensor.device().is_cpu()
      ? tensor.to(at::kBFloat16).to(tensor.scalar_type()) : tensor;
}

void refuse(const std::string& op, c10::ArrayRef<c10::IValue> arguments, bool there = true) {
  if (names("LOOM_ABORT", op)) std::abort();
  if (names("LOOM_NONDETERMINISTIC", op)) at::globalContext().alertNotDeterministic("loom_" + op);
  if (there && !names("LOOM_NO_KERNEL", op)) return;
  std::string dtype;
  for (const auto& one : arguments) if (dtype.empty() && one.isTensor() && one.toTensor().defined()) dtype = toString(one.toTensor().scalar_type());
  auto words = asked("LOOM_NO_KERNEL_WORDS");
  TORCH_CHECK(words.empty(), with(with(words, "{op}", op), "{dtype}", dtype));
  TORCH_CHECK_NOT_IMPLEMENTED(false, "Could not run 'aten::", op, "' with arguments from the 'PrivateUse1' backend.");
}

void spoil(const std::string& op, const at::Tensor& made) {
  static std::atomic<int64_t> calls{0};
  if (!made.defined() || !made.is_floating_point() || made.numel() == 0) return;
  if (names("LOOM_WRONG", op)) made.mul_(std::stod(asked("LOOM_FACTOR", "1.25")));
  if (names("LOOM_NONDETERMINISTIC", op) && calls++ % 2) made.mul_(1 + 1e-5);
}

void on_host(const c10::OperatorHandle& op, Stack* stack) {
  const auto& schema = op.schema();
  auto name = schema.name().substr(schema.name().find("::") + 2);
  auto arguments = torch::jit::last(*stack, schema.arguments().size());
  refuse(name, arguments, op.hasComputedKernelForDispatchKey(c10::DispatchKey::CPU));
  Lending lending;
  for (size_t at = 0; at < arguments.size(); at++) {
    auto& one = const_cast<c10::IValue&>(arguments[at]);
    const auto* alias = schema.arguments()[at].alias_info();
    bool written = alias != nullptr && alias->isWrite();
    if (one.isDevice()) { lending.at_device(one.toDevice()); one = c10::Device(c10::DeviceType::CPU); }
    else if (one.isStorage()) one = lending.lend(one.toStorage());
    else if (one.isGenerator() && one.toGenerator().device().type() == LOOM) one = host_of(one.toGenerator());
    else one = with_tensors(one, [&](const at::Tensor& tensor) { return lending.lend(tensor); });
    // a kernel changes the statistics of batch norm although its schema does not say so; one that copies loses that
    if (!written && names("LOOM_COPIES", name)) one = with_tensors(one, [](const at::Tensor& lent) { return lent.defined() ? lent.clone() : lent; });
    if (!written && names("LOOM_FEW_BITS", name)) one = with_tensors(one, in_few_bits);
  }
  if (!lending.device) lending.device = current;
  must_be_alive(*lending.device);
  auto host = at::detail::getDefaultCPUGenerator();
  bool draws = op.hasTag(at::Tag::nondeterministic_seeded);
  at::Tensor before;
  if (draws) {  // kernels that are given no generator draw from the CPU's: it stands where the device's does
    before = host.get_state();
    host.set_state(host_of(stream_of(*lending.device)).get_state());
  }
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  if (draws) {
    host_of(stream_of(*lending.device)).set_state(host.get_state());
    host.set_state(before);
  }
  auto returned = torch::jit::last(*stack, schema.returns().size());
  for (const auto& one : returned) with_tensors(one, [&](const at::Tensor& made) { return spoil(name, made), made; });
  lending.settle();
  for (const auto& one : returned)
    const_cast<c10::IValue&>(one) = with_tensors(one, [&](const at::Tensor& made) { return lending.take_over(made); });
  if (names("LOOM_LOST", name)) lost[*lending.device] = true;
}

// what every device gives itself

void must_hold(c10::ScalarType dtype) {
  TORCH_CHECK_TYPE(asked("LOOM_NO_FLOAT64").empty() || dtype != at::kDouble,
      "Cannot convert a LOOM Tensor to float64 dtype as the LOOM framework doesn't support float64. Please use float32 instead.");
}

at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<c10::ScalarType> dtype,
    std::optional<c10::Layout>, std::optional<c10::Device> device, std::optional<bool>) {
  c10::OptionalDeviceGuard guard(device);
  auto type = c10::dtype_or_default(dtype);
  must_hold(type);
  return at::detail::empty_strided_generic(size, stride, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), type);
}

at::Tensor empty(c10::IntArrayRef size, std::optional<c10::ScalarType> dtype, std::optional<c10::Layout>,
    std::optional<c10::Device> device, std::optional<bool>, std::optional<c10::MemoryFormat> format) {
  c10::OptionalDeviceGuard guard(device);
  auto type = c10::dtype_or_default(dtype);
  must_hold(type);
  return at::detail::empty_generic(size, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), type, format);
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  Lending source, target;
  auto here = source.lend(from), there = target.lend(to);
  for (auto* one : {&source, &target}) if (one->device) must_be_alive(*one->device);
  there.copy_(here);
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  return copy_from(from, to.resize_(from.sizes()), false);
}

at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
    c10::IntArrayRef stride, c10::IntArrayRef padding, c10::IntArrayRef dilation, bool transposed,
    c10::IntArrayRef output_padding, int64_t groups) {
  refuse("convolution", {input});
  Lending lending;
  auto low = [](const at::Tensor& one) { return names("LOOM_FEW_BITS", "convolution") ? in_few_bits(one) : one; };
  auto made = at::convolution(low(lending.lend(input)), low(lending.lend(weight)), bias ? lending.lend(*bias) : at::Tensor(),
      stride, padding, dilation, transposed, output_padding, groups);
  spoil("convolution", made);
  return lending.take_over(made);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(const at::Tensor& gradient, const at::Tensor& input,
    const at::Tensor& weight, c10::IntArrayRef stride, c10::IntArrayRef padding, c10::IntArrayRef dilation, bool transposed,
    c10::IntArrayRef output_padding, int64_t groups, std::array<bool, 3> wanted) {
  refuse("convolution_backward", {input});
  Lending lending;
  std::vector<int64_t> bias{transposed ? weight.size(1) * groups : weight.size(0)};
  auto [x, w, b] = at::convolution_backward(lending.lend(gradient), lending.lend(input), lending.lend(weight), bias, stride,
      padding, dilation, transposed, output_padding, groups, wanted);
  for (const auto& one : {x, w, b}) spoil("convolution_backward", one);
  return {lending.take_over(x), lending.take_over(w), lending.take_over(b)};
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&on_host>()); }
TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", TORCH_FN(empty));
  m.impl("empty_strided", TORCH_FN(empty_strided));
  m.impl("_copy_from", TORCH_FN(copy_from));
  m.impl("_copy_from_and_resize", TORCH_FN(copy_from_and_resize));
  m.impl("convolution_overrideable", TORCH_FN(convolution));
  m.impl("convolution_backward_overrideable", TORCH_FN(convolution_backward));
}

// a copy sees to conjugates and negatives itself; without these it would begin again for ever
TORCH_LIBRARY_IMPL(aten, Conjugate, m) { m.impl("_copy_from", torch::CppFunction::makeFallthrough()); }
TORCH_LIBRARY_IMPL(aten, Negative, m) { m.impl("_copy_from", torch::CppFunction::makeFallthrough()); }

TORCH_LIBRARY_IMPL(_, AutocastPrivateUse1, m) { m.fallback(torch::CppFunction::makeFallthrough()); }
TORCH_LIBRARY_IMPL(aten, AutocastPrivateUse1, m) {
  KERNEL_PRIVATEUSEONE(mm, lower_precision_fp)
  KERNEL_PRIVATEUSEONE(addmm, lower_precision_fp)
  KERNEL_PRIVATEUSEONE(bmm, lower_precision_fp)
  KERNEL_PRIVATEUSEONE(matmul, lower_precision_fp)
  KERNEL_PRIVATEUSEONE(linear, lower_precision_fp)
  KERNEL_PRIVATEUSEONE(softmax, int, fp32)
}

TORCH_LIBRARY(loom, m) {  // what the Python side asks
  m.def("device_count() -> int", [] { return static_cast<int64_t>(devices.size()); });
  m.def("current_device() -> int", [] { return static_cast<int64_t>(current); });
  m.def("set_device(int index) -> ()", [](int64_t index) { Hooks().setCurrentDevice(static_cast<c10::DeviceIndex>(index)); });
  m.def("generator(int index) -> Generator?", [](int64_t index) { return stream_of(static_cast<c10::DeviceIndex>(index)); });
  m.def("synchronize(int index) -> ()", [](int64_t index) { check_index(index), Guard().synchronizeDevice(index); });
  m.def("synchronized(int index) -> int", [](int64_t index) { return synchronized[index].load(); });
  m.def("memory_allocated(int index) -> int", [](int64_t index) { return used[index].load(); });
  m.def("empty_cache() -> ()", [] { memory.emptyCache({0, 0}); });
  m.def("emptied() -> int", [] { return emptied.load(); });
}

}  // namespace
