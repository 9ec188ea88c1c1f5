package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
)

// A Masker replaces what tells whose network a bundle was measured on, equal
// names by equal ones in all files: IP and Ethernet addresses, names of hosts
// and interfaces, ids of boots, SPIs.
type Masker struct {
	names  map[string]string // of hosts, interfaces and boots
	spis   map[uint32]uint32 // of the runs
	others map[uint32]uint32 // that texts name besides
	addrs  map[string]string

	words *regexp.Regexp // matches names and SPIs written in hex; nil if there are none

	free bool // the text is somebody's own: what looks like a host's name or an SPI is taken for one
}

// Names are what tells whose network runs were measured on.
type Names struct {
	boots, hosts, interfaces map[string]bool
	spis                     map[uint32]bool
}

// NewNames has no names yet.
func NewNames() *Names {
	return &Names{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[uint32]bool{}}
}

// AddRun adds the names that a run's manifest and its place tell.
func (n *Names) AddRun(m *bundle.Manifest, place string) {
	n.boots[m.Host.BootID] = true
	n.hosts[m.Host.Name] = true
	if _, host, ok := cutHost(place); ok {
		n.hosts[host] = true
	}
	if m.Clock != nil {
		n.hosts[m.Clock.Against] = true
	}
}

// AddFact adds the interface that a fact is about, if it is about one.
func (n *Names) AddFact(topic, subject string) {
	if name, ok := interfaceOf(topic, subject); ok {
		n.interfaces[name] = true
	}
}

// AddSPI adds the SPI of an SA.
func (n *Names) AddSPI(spi uint32) { n.spis[spi] = true }

func namesOf(runs []*bundle.Run) *Names {
	n := NewNames()
	for _, r := range runs {
		n.AddRun(&r.Manifest, r.Path)
		// What cannot be read is masked by its shape alone.
		facts, _ := r.Placement()
		for _, f := range facts {
			n.AddFact(f.Topic, f.Subject)
		}
		sas, _ := r.SAs()
		for _, sa := range sas {
			n.AddSPI(sa.SPI)
		}
		finds, _ := r.Finds()
		for _, row := range finds.Rows {
			n.AddSPI(row.SPI)
		}
		for _, row := range finds.Inbound {
			n.AddSPI(row.SPI)
		}
	}
	return n
}

// NewMasker masks names, which it may change.
func NewMasker(n *Names) *Masker {
	m := &Masker{names: map[string]string{}, spis: map[uint32]uint32{}, others: map[uint32]uint32{},
		addrs: map[string]string{}}
	hosts, interfaces, spis := n.hosts, n.interfaces, n.spis
	delete(n.boots, "")
	for id := range n.boots {
		// Two sides may be packed one by one: equal boots, and no others, stay equal.
		m.names[id] = fmt.Sprintf("boot-%.6x", sha256.Sum256([]byte(id)))
	}
	for host := range maps.Clone(hosts) { // and by its first name
		if short, _, found := strings.Cut(host, "."); found && len(short) > 2 {
			hosts[short] = true
		}
	}
	// uts_namespace's default, and what is the same everywhere
	for _, nobody := range []string{"", "(none)", "localhost"} {
		delete(hosts, nobody)
	}
	delete(interfaces, "")
	delete(interfaces, "lo")
	name := func(set map[string]bool, prefix string) {
		for i, name := range slices.Sorted(maps.Keys(set)) {
			m.names[name] = prefix + strconv.Itoa(i+1)
		}
	}
	name(hosts, "host")
	name(interfaces, "if")
	delete(spis, 0)
	for i, spi := range slices.Sorted(maps.Keys(spis)) {
		m.spis[spi] = firstSPI + uint32(i)
	}
	m.compile()
	return m
}

// firstSPI is the first masked SPI: those below 256 are reserved (RFC 4303,
// section 2.1).
const firstSPI = 0x100

// interfaceOf returns the interface a fact is about.
func interfaceOf(topic, subject string) (string, bool) {
	switch topic {
	case bundle.TopicNIC, bundle.TopicRSS, bundle.TopicRule, bundle.TopicPause, bundle.TopicRing,
		bundle.TopicFeature, bundle.TopicStat,
		bundle.TopicLink, bundle.TopicXPS, bundle.TopicRPS, bundle.TopicQdisc, bundle.TopicIOMMU:
		words := strings.Fields(subject)
		if len(words) == 0 || words[0] == "kernel" { // the whole machine's, see package placement
			return "", false
		}
		return words[0][strings.LastIndexAny(words[0], "/:")+1:], true
	}
	return "", false
}

func (m *Masker) compile() {
	var words []string
	for name := range m.names {
		words = append(words, regexp.QuoteMeta(name))
	}
	for spi := range m.spis {
		words = append(words, fmt.Sprintf("0x0*%x", spi))
	}
	if words == nil {
		return
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // the longest that matches
	m.words = regexp.MustCompile(`(?i)(^|[^A-Za-z0-9_+])(` + strings.Join(words, "|") + `)($|[^A-Za-z0-9_])`)
}

var (
	ipv4 = regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`)
	ipv6 = regexp.MustCompile(`[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*`)
	mac  = regexp.MustCompile(`\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b`)
)

// Secrets and names told by where they stand or how they look. A key of `ip
// xfrm state` follows its algorithm; 0x and more than 64 bits is nothing else
// that is ever written here.
var (
	key = regexp.MustCompile(`(?i)\b((?:aead|enc|auth-trunc|auth|comp)\s+` +
		`(?:\\?'[^']*'|\\?"[^"]*"|[\w-]*\([^\s]*\)|sha\d+|md5|aes|des3_ede|des|blowfish|serpent|twofish|` +
		`camellia)` + `\s+)(\\?"[^"]*"|\\?'[^']*'|[^\s"']+)`)
	longHex  = regexp.MustCompile(`\b0[xX][0-9A-Fa-f]{17,}\b`)
	namedSPI = regexp.MustCompile(`(?i)(\bspis?["']?\s*[:=]?\s*)(0x[0-9a-f]{1,8}|[0-9]{1,10}|[0-9a-f]{5,8})\b`)
	freeSPI  = regexp.MustCompile(`\b0[xX][0-9A-Fa-f]{6,8}\b`)
	account  = regexp.MustCompile(`([\w.-]+@)([A-Za-z0-9][A-Za-z0-9.-]*)`)
	fqdn     = regexp.MustCompile(`(?i)(^|[^\w./-])((?:[a-z0-9][a-z0-9-]*\.)+([a-z][a-z]+))\b`)
)

// notHosts are last parts of names with dots that are files and sysctls.
var notHosts = regexp.MustCompile(
	`(?i)^(?:net|kernel|vm|fs|dev|user)\.|\.(?:c|cold|conf|csv|data|folded|go|gz|h|html|` +
		`jsonl?|ko|log|lua|map|md|part|pb|pcap|pl|py|sh|so|svg|tar|txt|xml|ya?ml|zst|zstd)$`)

// looks masks what a text says is an SPI, or, in a free one, what looks like one
// or like the name of a host.
func (m *Masker) looks(s string) string {
	s = namedSPI.ReplaceAllStringFunc(s, func(match string) string {
		p := namedSPI.FindStringSubmatch(match)
		return p[1] + m.anySPI(p[2])
	})
	if !m.free {
		return s
	}
	s = freeSPI.ReplaceAllStringFunc(s, m.anySPI)
	s = account.ReplaceAllStringFunc(s, func(match string) string {
		p := account.FindStringSubmatch(match)
		return p[1] + m.host(p[2])
	})
	for range 2 { // a match takes what is before it
		s = fqdn.ReplaceAllStringFunc(s, func(match string) string {
			p := fqdn.FindStringSubmatch(match)
			if notHosts.MatchString(p[2]) {
				return match
			}
			return p[1] + m.host(p[2])
		})
	}
	return s
}

// host masks the name of a host that no run is of.
func (m *Masker) host(name string) string {
	if _, err := netip.ParseAddr(name); err == nil || ofMask.MatchString(name) {
		return name
	}
	name = strings.ToLower(name)
	if m.names[name] == "" {
		m.names[name] = fmt.Sprintf("host%d", len(m.names)+1)
	}
	return m.names[name]
}

// ofMask is a name that stands for another.
var ofMask = regexp.MustCompile(`^(?:host|if)[0-9]+$`)

// anySPI masks an SPI that no run need have; one that a run has, and that is
// written in hex, is masked as a word.
func (m *Masker) anySPI(text string) string {
	decimal := strings.Trim(text, "0123456789") == ""
	base := 16
	if decimal {
		base = 10
	}
	spi, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(text), "0x"), base, 32)
	if err != nil {
		return text
	}
	masked, known := m.spis[uint32(spi)]
	if !known {
		masked = m.others[uint32(spi)]
	}
	if masked == 0 {
		masked = firstSPI + uint32(len(m.spis)+len(m.others))
		m.others[uint32(spi)] = masked
	}
	switch {
	case decimal:
		return strconv.FormatUint(uint64(masked), 10)
	case known && strings.HasPrefix(strings.ToLower(text), "0x"):
		return text
	}
	return fmt.Sprintf("%#x", masked)
}

// FreeText masks a text of somebody's own: what looks like a host's name or an SPI is
// taken for one.
func (m *Masker) FreeText(s string) string {
	m.free = true
	defer func() { m.free = false }()
	return m.Text(s)
}

// SPI masks an SPI.
func (m *Masker) SPI(spi uint32) uint32 {
	if masked, ok := m.spis[spi]; ok {
		return masked
	}
	return spi
}

// Text masks a text.
func (m *Masker) Text(s string) string {
	s = longHex.ReplaceAllString(key.ReplaceAllString(s, "${1}KEY"), "KEY")
	s = mac.ReplaceAllStringFunc(s, m.mac)
	s = ipv6.ReplaceAllStringFunc(s, m.addr)
	s = ipv4.ReplaceAllStringFunc(s, m.addr)
	s = m.looks(s)
	if m.words == nil {
		return s
	}
	// A match takes its neighbours: of "a b" the second is found in the second pass.
	for range 2 {
		s = m.words.ReplaceAllStringFunc(s, m.word)
	}
	return s
}

func (m *Masker) word(match string) string {
	parts := m.words.FindStringSubmatch(match)
	before, word, after := parts[1], parts[2], parts[3]
	if name, ok := m.names[word]; ok {
		return before + name + after
	}
	if digits, ok := strings.CutPrefix(strings.ToLower(word), "0x"); ok {
		spi, err := strconv.ParseUint(digits, 16, 32)
		if masked, known := m.spis[uint32(spi)]; err == nil && known {
			return before + fmt.Sprintf("%#x", masked) + after
		}
	}
	return match
}

// mac masks an Ethernet address by one that is administered locally.
func (m *Masker) mac(s string) string {
	if strings.Trim(s, "0:") == "" || strings.EqualFold(strings.Trim(s, "fF:"), "") {
		return s
	}
	return m.number(strings.ToLower(s),
		func(i int) string { return fmt.Sprintf("02:00:00:00:%02x:%02x", i>>8&0xff, i&0xff) })
}

// addr masks an IP address by one of the net for benchmarks (RFC 2544) or of that
// for documentation (RFC 3849).
func (m *Masker) addr(s string) string {
	a, err := netip.ParseAddr(s)
	if err != nil || a.IsUnspecified() || a.IsLoopback() {
		return s
	}
	if a.Is4() {
		return m.number(a.String(),
			func(i int) string { return fmt.Sprintf("198.%d.%d.%d", 18+i>>16&1, i>>8&0xff, i&0xff) })
	}
	return m.number(a.String(), func(i int) string { return fmt.Sprintf("2001:db8::%x", i) })
}

// number gives equal addresses equal numbers, in order of appearance.
func (m *Masker) number(s string, mask func(int) string) string {
	if masked, ok := m.addrs[s]; ok {
		return masked
	}
	m.addrs[s] = mask(len(m.addrs) + 1)
	return m.addrs[s]
}

// json masks the strings of a JSON text, but not its keys, and the numbers of
// keys named spi. A text that is no JSON is masked as a text.
func (m *Masker) json(text []byte) []byte {
	if !json.Valid(text) {
		return []byte(m.Text(string(text)))
	}
	var out bytes.Buffer
	key := ""
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"':
			end := i + 1
			for text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end++
			rest := bytes.TrimLeft(text[end:], " \t\r\n")
			literal := text[i:end]
			if len(rest) > 0 && rest[0] == ':' {
				key = string(bytes.ToLower(bytes.Trim(literal, `"`)))
			} else {
				literal = m.literal(literal)
			}
			out.Write(literal)
			i = end
		case key == "spi" && c >= '0' && c <= '9':
			end := i
			for end < len(text) && text[end] >= '0' && text[end] <= '9' {
				end++
			}
			out.Write(m.spi(text[i:end]))
			i = end
		default:
			if c == ',' || c == '}' {
				key = ""
			}
			out.WriteByte(c)
			i++
		}
	}
	return out.Bytes()
}

// literal masks a string of JSON.
func (m *Masker) literal(quoted []byte) []byte {
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return quoted
	}
	masked := m.Text(s)
	if masked == s {
		return quoted
	}
	out, err := json.Marshal(masked)
	if err != nil {
		return quoted
	}
	return out
}

func (m *Masker) spi(digits []byte) []byte {
	n, err := strconv.ParseUint(string(digits), 10, 32)
	if masked, ok := m.spis[uint32(n)]; err == nil && ok {
		return strconv.AppendUint(nil, uint64(masked), 10)
	}
	return digits
}

// maskValue masks every string of a value that goes through JSON and back.
func maskValue[T any](m *Masker, v T) (T, error) {
	var out T
	text, err := json.Marshal(v)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(m.json(text), &out)
}
