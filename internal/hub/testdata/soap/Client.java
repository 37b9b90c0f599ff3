import java.io.File;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import javax.xml.bind.JAXBElement;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.namespace.QName;
import javax.xml.ws.BindingProvider;
import com.sun.xml.ws.api.message.Headers;
import com.sun.xml.ws.developer.WSBindingProvider;
import junctor.*;

/** What a client does that wsimport has made of the WSDL. */
public class Client {
	static final ObjectFactory of = new ObjectFactory();

	static void same(Object want, Object got, String what) {
		if (!Objects.equals(want, got)) {
			throw new AssertionError(what + ": " + got + " instead of " + want);
		}
	}

	static Junctor service() throws Exception {
		return new Junctor(new File("junctor.wsdl").toURI().toURL());
	}

	static void as(JunctorPort port, String login, String password) {
		((BindingProvider) port).getRequestContext().put(BindingProvider.USERNAME_PROPERTY, login);
		((BindingProvider) port).getRequestContext().put(BindingProvider.PASSWORD_PROPERTY, password);
	}

	static Orders order(String number, String total) {
		Orders o = new Orders();
		o.setNumber(number);
		if (total != null) {
			o.setTotal(of.createOrdersTotal(new BigDecimal(total)));
		}
		return o;
	}

	static Customers customer(String code, String name) {
		Customers c = new Customers();
		c.setCode(code);
		if (name != null) {
			c.setName(of.createCustomersName(name));
		}
		return c;
	}

	static List<String> outcomes(List<OrdersResult> results) {
		List<String> all = new ArrayList<>();
		for (OrdersResult r : results) {
			all.add(r.getOutcome());
		}
		return all;
	}

	static List<String> numbers(List<Orders> records) {
		List<String> all = new ArrayList<>();
		for (Orders o : records) {
			all.add(o.getNumber());
		}
		return all;
	}

	static <T> JAXBElement<T> nil(JAXBElement<T> e) {
		e.setNil(true);
		return e;
	}

	public static void main(String[] arguments) throws Exception {
		JunctorPort admin = service().getJunctorSoap11();
		as(admin, "admin", System.getenv("ADMIN"));
		same("failed", admin.createCustomers(Arrays.asList(customer("C1", "Ann & <Söhne>"), customer("C2", "Bob"), customer("C1", null)), null).get(2).getOutcome(), "a key that is taken");

		JunctorPort shop = service().getJunctorSoap11();
		String token = shop.login("shop", "shop").getToken();
		((WSBindingProvider) shop).setOutboundHeaders(Headers.create(new QName("urn:junctor:v1", "Session"), token));

		Orders one = order("1", "10.10");
		Customers byKey = new Customers();
		byKey.setCode("C1");
		one.setCustomer(of.createOrdersCustomer(byKey));
		one.setReceived(of.createOrdersReceived(DatatypeFactory.newInstance().newXMLGregorianCalendar("2027-01-01T10:00:00+01:00")));
		one.setDue(of.createOrdersDue(DatatypeFactory.newInstance().newXMLGregorianCalendar("2027-02-01")));
		one.setLines(of.createOrdersLines(9007199254740993L));
		one.setNote(of.createOrdersNote("  <&>\n "));
		List<OrdersResult> created = shop.createOrders(Arrays.asList(one, order("2", "20.20"), order("3", "0.005")), null);
		same(Arrays.asList("created", "created", "failed"), outcomes(created), "creating");
		Orders first = created.get(0).getRecord();
		same(new BigDecimal("10.10"), first.getTotal().getValue(), "a decimal");
		same(9007199254740993L, first.getLines().getValue(), "an integer");
		same("2027-01-01T09:00:00Z", first.getReceived().getValue().toXMLFormat(), "a moment");
		same("  <&>\n ", first.getNote().getValue(), "a text");
		same("/total", created.get(2).getProblem().getError().get(0).getPointer(), "what is wrong");

		OrdersPage page = shop.getOrders("customer/code eq 'C1' or total gt 15", "number desc", null, "customer", null, null, true, null, null, null);
		same(2L, page.getCount(), "the count");
		same(Arrays.asList("2", "1"), numbers(page.getRecord()), "a filter");
		same("Ann & <Söhne>", page.getRecord().get(1).getCustomer().getValue().getName().getValue(), "an expanded ref");
		same(true, page.getRecord().get(0).getCustomer().isNil(), "a ref to nothing");

		List<Orders> several = new ArrayList<>();
		for (int i = 0; i < 5; i++) {
			several.add(order("p" + i, null));
		}
		shop.createOrders(several, null);
		List<String> read = new ArrayList<>();
		String cursor = null;
		do {
			page = shop.getOrders("startswith(number,'p')", "number", null, null, null, null, null, 2, cursor, null);
			read.addAll(numbers(page.getRecord()));
			cursor = page.getNext();
		} while (cursor != null);
		same(Arrays.asList("p0", "p1", "p2", "p3", "p4"), read, "pages");

		// What was read can be sent back; its version guards.
		String delta = shop.getOrders(null, null, null, null, null, null, null, 1000, null, true).getDelta();
		first = shop.getOrders("number eq '1'", null, null, "customer", null, null, null, null, null, null).getRecord().get(0);
		first.setNote(nil(of.createOrdersNote(null)));
		List<OrdersResult> changed = shop.updateOrders(Arrays.asList(first, first, order("nothing", null)), null);
		same(Arrays.asList("updated", "failed", "failed"), outcomes(changed), "updating");
		same("stale", changed.get(1).getProblem().getCode(), "a version that has passed");
		same("not-found", changed.get(2).getProblem().getCode(), "a record that is not there");
		same(true, changed.get(0).getRecord().getNote().isNil(), "a cleared text");
		same(new BigDecimal("10.10"), changed.get(0).getRecord().getTotal().getValue(), "an absent column");

		same(Arrays.asList("updated", "unchanged", "created"), outcomes(shop.upsertOrders(Arrays.asList(order("1", "11"), order("1", "11"), order("9", "9")), null)), "upserting");
		same(Arrays.asList("deleted"), outcomes(shop.deleteOrders(Arrays.asList(order("2", null)), null)), "deleting");
		OrdersChanges changes = shop.getOrdersChanges(delta, null, null, null, 1000);
		List<String> news = numbers(changes.getRecord());
		java.util.Collections.sort(news);
		same(Arrays.asList("1", "9"), news, "changes");
		same("deleted", changes.getRemoved().get(0).getReason(), "what was removed");

		try {
			shop.createOrders(Arrays.asList(order("a1", null), order("1", null)), true);
			throw new AssertionError("a key that is taken passes");
		} catch (JunctorFault fault) {
			same("conflict", fault.getFaultInfo().getCode(), "all or none");
			same("/record/1/number", fault.getFaultInfo().getError().get(0).getPointer(), "all or none");
		}

		PlaceOrder.Lines line = new PlaceOrder.Lines();
		line.setCode("a");
		line.setQty(2);
		line.setPrice(new BigDecimal("1.50"));
		Answer answer = shop.placeOrder("7", Arrays.asList(line), null, null, null, null);
		same(true, answer.getResult().contains("\"price\":1.5"), "a function: " + answer.getResult());
		try {
			shop.placeOrder("unknown", null, null, null, null, null);
			throw new AssertionError("a Problem passes");
		} catch (JunctorFault fault) {
			same("unknown order", fault.getFaultInfo().getTitle(), "a Problem");
		}

		shop.logout();
		try {
			shop.getOrders(null, null, null, null, null, null, null, null, null, null);
			throw new AssertionError("a session goes on after its end");
		} catch (JunctorFault fault) {
			same("unauthorized", fault.getFaultInfo().getCode(), "after the end");
		}

		// The same by SOAP 1.2.
		JunctorPort twelve = service().getJunctorSoap12();
		as(twelve, "shop", "shop");
		same("1", twelve.getOrders("number eq '1'", null, null, null, null, null, null, null, null, null).getRecord().get(0).getNumber(), "SOAP 1.2");
		try {
			twelve.getOrders("margin gt 1", null, null, null, null, null, null, null, null, null);
			throw new AssertionError("a hidden column passes");
		} catch (JunctorFault fault) {
			same("invalid", fault.getFaultInfo().getCode(), "SOAP 1.2");
		}
		System.out.println("done");
	}
}
