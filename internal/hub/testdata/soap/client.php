<?php
// What PHP's SoapClient makes of the WSDL, for SOAP 1.1 and 1.2.

function same($want, $got, $what)
{
    if ($want !== $got) {
        fwrite(STDERR, "$what: " . var_export($got, true) . ' instead of ' . var_export($want, true) . "\n");
        exit(1);
    }
}

function connect($login, $password, $version)
{
    return new SoapClient(getenv('BASE') . '/soap/v1?wsdl', [
        'login' => $login, 'password' => $password, 'soap_version' => $version,
        'cache_wsdl' => WSDL_CACHE_NONE, 'trace' => true, 'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
    ]);
}

// refusal is the problem of a call that has to fail.
function refusal($call)
{
    try {
        $call();
    } catch (SoapFault $fault) {
        $problem = $fault->detail->problem;
        $errors = $problem->error ?? [];
        $problem->error = is_array($errors) ? $errors : [$errors]; // in a fault, one is no list
        return $problem;
    }
    fwrite(STDERR, "it should be refused\n");
    exit(1);
}

function column($records, $name)
{
    return array_map(fn($r) => $r->$name, $records);
}

foreach ([SOAP_1_1, SOAP_1_2] as $version) {
    $admin = connect('admin', getenv('ADMIN'), $version);
    $made = $admin->createCustomers(['record' => [['code' => 'C1', 'name' => 'Ann & <Söhne>', 'owner' => 'reader'], ['code' => 'C2', 'name' => 'Bob'], ['code' => 'C1']]]);
    same(['created', 'created', 'failed'], column($made->result, 'outcome'), 'creating');
    same('/code', $made->result[2]->problem->error[0]->pointer, 'a key that is taken');

    // A session, whose token stands in the envelope's header.
    $shop = connect('shop', 'shop', $version);
    $session = $shop->login(['login' => 'shop', 'password' => 'shop'])->session;
    $shop->__setSoapHeaders(new SoapHeader('urn:junctor:v1', 'Session', $session->token));

    $created = $shop->createOrders(['record' => [
        ['number' => '1', 'customer' => ['code' => 'C1'], 'total' => '10.10', 'received' => '2027-01-01T10:00:00+01:00', 'due' => '2027-02-01', 'lines' => '9007199254740993', 'note' => "  <&>\n "],
        ['number' => '2', 'customer' => ['code' => 'C2'], 'total' => '20.20', 'state' => 'sent'],
        ['number' => '3', 'total' => '0.005'],
    ]]);
    same(['created', 'created', 'failed'], column($created->result, 'outcome'), 'creating orders');
    $first = $created->result[0]->record;
    same('10.10', $first->total, 'a decimal');
    same(9007199254740993, $first->lines, 'an integer');
    same('2027-01-01T09:00:00Z', $first->received, 'a moment');
    same("  <&>\n ", $first->note, 'a text');
    same(false, isset($first->margin), 'a hidden column is there');

    $page = $shop->getOrders(['filter' => "customer/code eq 'C1' or total gt 15", 'orderby' => 'number desc', 'count' => true, 'expand' => 'customer'])->page;
    same(2, $page->count, 'the count');
    same(['2', '1'], column($page->record, 'number'), 'a filter');
    same('Bob', $page->record[0]->customer->name, 'an expanded ref');

    $shop->createOrders(['record' => array_map(fn($i) => ['number' => "p$i"], range(0, 4))]);
    for ($numbers = [], $cursor = null; ; $cursor = $page->next) {
        $page = $shop->getOrders(['filter' => "startswith(number,'p')", 'orderby' => 'number', 'pageSize' => 2, 'cursor' => $cursor])->page;
        $numbers = array_merge($numbers, column($page->record, 'number'));
        if (!isset($page->next)) {
            break;
        }
    }
    same(['p0', 'p1', 'p2', 'p3', 'p4'], $numbers, 'pages');

    // What was read can be sent back; its version guards.
    $delta = $shop->getOrders(['track' => true])->page->delta;
    $one = $shop->getOrders(['filter' => "number eq '1'", 'expand' => 'customer'])->page->record[0];
    $one->note = null;
    $changed = $shop->updateOrders(['record' => [$one, clone $one, ['number' => 'nothing']]]);
    same(['updated', 'failed', 'failed'], column($changed->result, 'outcome'), 'updating');
    same(['stale', 'not-found'], [$changed->result[1]->problem->code, $changed->result[2]->problem->code], 'codes');
    same(null, $changed->result[0]->record->note, 'a cleared text');
    same('10.10', $changed->result[0]->record->total, 'an absent column');

    $upserted = $shop->upsertOrders(['record' => [['number' => '1', 'total' => 11], ['number' => '1', 'total' => 11], ['number' => '9', 'total' => 9]]]);
    same(['updated', 'unchanged', 'created'], column($upserted->result, 'outcome'), 'upserting');
    $removed = $shop->deleteOrders(['record' => [['number' => '2']]]);
    same(['deleted'], column($removed->result, 'outcome'), 'deleting');

    $changes = $shop->getOrdersChanges(['delta' => $delta])->changes;
    $numbers = column($changes->record, 'number');
    sort($numbers);
    same(['1', '9'], $numbers, 'changes');
    same(['deleted'], column($changes->removed, 'reason'), 'what was removed');

    same('/record/1/number', refusal(fn() => $shop->createOrders(['record' => [['number' => 'a1'], ['number' => '1']], 'atomic' => true]))->error[0]->pointer, 'all or none');
    same('invalid', refusal(fn() => $shop->getOrders(['filter' => 'margin gt 1']))->code, 'a hidden column in a filter');

    $answer = $shop->placeOrder(['number' => '7', 'lines' => [['code' => 'a', 'qty' => 2, 'price' => '1.50']], 'due' => '2027-01-04', 'gift' => null])->answer;
    same(['number' => '7', 'lines' => [['code' => 'a', 'qty' => 2, 'price' => 1.5]], 'due' => '2027-01-04'], array_diff_key(json_decode($answer->result, true)['got'], ['gift' => 0]), 'a function');
    same('unknown order', refusal(fn() => $shop->placeOrder(['number' => 'unknown', 'lines' => []]))->title, 'a Problem');
    same(['/lines/0/qty'], column(refusal(fn() => $shop->placeOrder(['number' => '1', 'lines' => [['code' => 'a', 'qty' => 0]]]))->error, 'pointer'), 'parameters');

    $shop->logout();
    same('unauthorized', refusal(fn() => $shop->getOrders())->code, 'after the end');

    $admin->deleteOrders(['record' => $admin->getOrders(['select' => 'id'])->page->record]);
    $admin->deleteCustomers(['record' => [['code' => 'C1'], ['code' => 'C2']]]);
}
echo "done\n";
